import { createApp } from 'vue'
import '../../kit/base.css'
import DeskPage from './DeskPage.vue'

createApp(DeskPage).mount('#app')
