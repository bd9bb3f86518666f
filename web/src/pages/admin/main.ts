import { createApp } from 'vue'
import '../../kit/base.css'
import AdminPage from './AdminPage.vue'

createApp(AdminPage).mount('#app')
